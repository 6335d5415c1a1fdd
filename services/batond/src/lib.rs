//! batond
