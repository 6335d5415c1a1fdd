//! One test or more for each of the fifty rules: what breaks it is refused with its code, what mends it is taken.

mod agreement;
mod assessment;
mod decision;
mod end;
mod handover;
mod interest;
mod local;
mod record;
mod register;
mod start;
mod table;
