//! The test house: what the test binaries of this folder share.
