//! The messages of RTCP: a datagram holds several (RFC 3550 section 6.1), each is read where it lies, and each is appended to a
//! datagram by its `write`.

mod block;
mod bye;
mod chunks;
mod compound;
mod description;
mod extended;
mod feedback;
mod fir;
mod frame;
mod nack;
mod pli;
mod reference;
mod remb;
mod report;
mod statuses;

pub use block::{Blocks, ReportBlock};
pub use bye::Bye;
pub use compound::{Compound, MAX_NAMED, Message, is_rtcp};
pub use description::write_cname;
pub use extended::{Answer, ExtendedReport, write_receiver_time};
pub use feedback::{FeedbackHeader, TransportFeedback};
pub use fir::Fir;
pub use nack::Nack;
pub use pli::Pli;
pub use reference::ReferenceClock;
pub use remb::Remb;
pub use report::{ReceiverReport, SenderInfo, SenderReport};
