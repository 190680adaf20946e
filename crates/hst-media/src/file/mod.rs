//! Media in files: sources that read them, sinks that write them.

mod annexb;
mod ivf;
mod mp4;
mod oggopus;
mod sink;
mod source;
mod sps;

pub use sink::{FileSink, open_sink};
pub use source::{FileSource, open_source};
pub(crate) use sps::Sps;
