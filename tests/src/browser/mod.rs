//! A real browser: headless Chromium with a camera and a microphone of its own making.
//!
//! Chromium is driven through chromedriver. Both come from the system's package manager.

mod axe;
mod demo;
mod driver;
mod page;

pub use driver::{Browser, Network};
pub use page::Page;
