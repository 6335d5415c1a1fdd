//! The bounds of a request, each with its reason. The comments of the protos repeat them.

/// Most commands in one request or proposal: one durable batch stays small enough to sync at once.
pub const MAX_COMMANDS: usize = 128;

/// Most elements of a list. The longest list in the papers has some thirty.
pub const MAX_LIST: usize = 100;

/// Longest name, verb, version or other plain wording, in characters.
pub const MAX_NAME: usize = 200;

/// Longest title of a document, in characters.
pub const MAX_TITLE: usize = 300;

/// Longest printed form of an amount, in characters.
pub const MAX_PRINTED: usize = 100;

/// Longest code in a field of a fact, in characters.
pub const MAX_CODE: usize = 60;

/// The years in which a day may lie. Nothing recorded here is older or later; what is, is a typing error.
pub const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// From slight to critical.
pub const SEVERITIES: std::ops::RangeInclusive<u32> = 1..=5;

/// Most items on a page.
pub const MAX_PAGE: u32 = 1_000;

/// Items on a page when the client does not say.
pub const DEFAULT_PAGE: u32 = 100;

/// Longest page token, in bytes. Ours are shorter.
pub const MAX_PAGE_TOKEN: usize = 1_024;
