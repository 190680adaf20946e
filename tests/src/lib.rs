//! The test house.
