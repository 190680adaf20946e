//! What a sender remembers: of what it has sent, and of what may be asked for again.

mod history;
mod reports;
mod timeline;

pub use history::{History, Limits};
pub use reports::SenderReports;
pub use timeline::Timeline;
