#![doc = include_str!("../README.md")]

mod bursts;
mod config;
mod estimator;
mod history;
mod losses;
mod micros;
mod probe;
mod prober;
mod queue;
mod rate;
mod trend;
mod window;

pub use config::Config;
pub use estimator::Estimator;
pub use probe::{Probe, ProbeId};
