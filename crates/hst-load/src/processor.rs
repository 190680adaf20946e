use std::{fs, io, time::Duration};

/// For how long this thread has had a processor, as Linux counts it; nothing elsewhere.
pub(crate) fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// Processors of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processors(Vec<usize>);

impl Processors {
    /// Those that this thread may use, where the system says it: on Linux.
    pub fn allowed() -> Option<Self> {
        system::allowed().map(Self)
    }

    /// One half for who is measured, which is the larger one, and one for who measures, so that neither waits for the other; of
    /// a single processor there are none.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let (one, other) = self.0.split_at(self.0.len().div_ceil(2));
        (!other.is_empty()).then(|| [one, other].map(|half| Self(half.to_vec())))
    }

    /// Keeps this thread to them, and the threads and processes that it starts from now on.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn keep(&self) -> io::Result<()> {
        system::keep(&self.0)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use nix::{
        sched::{CpuSet, sched_getaffinity, sched_setaffinity},
        unistd::Pid,
    };

    const THIS_THREAD: Pid = Pid::from_raw(0);

    pub(super) fn allowed() -> Option<Vec<usize>> {
        let set = sched_getaffinity(THIS_THREAD).ok()?;
        let all = 0..CpuSet::count();
        Some(all.filter(|&at| set.is_set(at) == Ok(true)).collect())
    }

    pub(super) fn keep(processors: &[usize]) -> io::Result<()> {
        let mut set = CpuSet::new();
        for &at in processors {
            set.set(at)?;
        }
        Ok(sched_setaffinity(THIS_THREAD, &set)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    pub(super) fn allowed() -> Option<Vec<usize>> {
        None
    }

    pub(super) fn keep(_: &[usize]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_apart_and_of_one_there_are_none() {
        let halves = |all: &[usize]| Processors(all.to_vec()).halves().map(|halves| halves.map(|it| it.0));
        assert_eq!(halves(&[0, 2, 5]), Some([vec![0, 2], vec![5]]));
        assert_eq!(halves(&[3]), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_and_those_that_it_starts_keep_to_theirs() {
        let kept = std::thread::spawn(|| {
            let one = Processors(Processors::allowed().unwrap().0[..1].to_vec());
            one.keep().unwrap();
            let seen = std::thread::spawn(Processors::allowed).join().unwrap();
            (Some(one), seen)
        });
        let (one, seen) = kept.join().unwrap();
        assert_eq!(seen, one);
    }
}
