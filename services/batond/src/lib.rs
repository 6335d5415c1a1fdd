//! batond

pub mod parse;
