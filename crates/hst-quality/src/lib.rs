#![doc = include_str!("../README.md")]

mod delay;
mod figures;
mod picture;
mod quality;
mod sound;

pub use figures::{Figures, Kind, Limit};
pub use quality::{Quality, Reason};
