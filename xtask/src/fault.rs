//! Something that breaks a rule of the house.

use std::fmt;

use crate::Result;

/// What is wrong, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    at: String,
    wrong: String,
    mend: String,
}

impl Fault {
    /// A fault of a file or crate.
    pub(crate) fn new(at: &str, wrong: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            wrong: wrong.into(),
            mend: mend.into(),
        }
    }

    /// A fault of one line.
    pub(crate) fn line(path: &str, line: usize, wrong: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(&format!("{path}:{line}"), wrong, mend)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.at, self.wrong, self.mend)
    }
}

/// Prints the faults; `name` is the check that found them.
pub(crate) fn report(name: &str, faults: &[Fault]) -> Result {
    for fault in faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => {
            println!("{name}: all is well");
            Ok(())
        }
        1 => Err(format!("{name}: 1 fault").into()),
        n => Err(format!("{name}: {n} faults").into()),
    }
}
