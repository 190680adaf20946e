//! Ordered, reliable pipes between nodes, over a bus that loses messages.
//!
//! A pipe has two ends, one of which [connects](Pipes::connect) with a greeting. What one end pushes comes out of the other
//! once and in order, or the pipe ends. It belongs to the two who hold its ends: a node that has begun anew knows nothing of
//! it, and a late or doubled message of an earlier pipe never comes out of another. An end that has nothing to say says now
//! and then that it is there, and asks whether the other is.

mod end;
mod frame;
#[doc(hidden)]
pub mod fuzzed;
mod pipes;

pub use end::WINDOW;
pub use pipes::{Arrivals, News, Pipe, Pipes};
