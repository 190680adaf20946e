//! Reading and writing bits, the most significant one first.

/// Reads bits.
#[derive(Clone)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let is_set = byte & (0x80 >> (self.at % 8)) != 0;
        self.at += 1;
        Some(is_set)
    }

    pub(crate) fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    /// A number below `end`, in as few bits as that needs (`ns(n)`).
    pub(crate) fn below(&mut self, end: u32) -> Option<u32> {
        let width = u32::BITS - end.leading_zeros();
        let short = (1 << width) - end;
        let value = self.take(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1 | u32::from(self.flag()?)) - short)
    }
}

/// Writes bits.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    len: usize,
}

impl Writer {
    /// The lowest bits of a number.
    pub(crate) fn put(&mut self, value: u32, count: u32) -> &mut Self {
        (0..count).rev().for_each(|bit| self.push(value >> bit & 1 != 0));
        self
    }

    /// What one reader has not read, and the other one has.
    pub(crate) fn between(&mut self, mut begin: Bits<'_>, end: &Bits<'_>) {
        while begin.at < end.at
            && let Some(flag) = begin.flag()
        {
            self.push(flag);
        }
    }

    /// Everything that a reader has not read.
    pub(crate) fn rest(&mut self, bits: &mut Bits<'_>) {
        while let Some(flag) = bits.flag() {
            self.push(flag);
        }
    }

    /// In whole bytes: the last bits are 0.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn push(&mut self, is_set: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut().filter(|_| is_set) {
            *last |= 0x80 >> (self.len % 8);
        }
        self.len += 1;
    }
}
