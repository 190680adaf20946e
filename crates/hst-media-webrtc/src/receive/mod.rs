//! The way in: packets into frames.

mod assemble;
mod pump;
mod reorder;

pub(crate) use pump::{Receiving, pump};

#[cfg(test)]
mod tests;
