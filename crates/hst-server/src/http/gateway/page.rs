use serde::Deserialize;

/// The most entries of one page.
const MAX_LIMIT: u32 = 500;

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// How many entries to pass over.
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    pub(super) offset: u32,
    /// The most that are wanted.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 100)]
    pub(super) limit: Limit,
}

/// 1 to [`MAX_LIMIT`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub(super) struct Limit(u32);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(limit: u32) -> Result<Self, String> {
        match limit {
            1..=MAX_LIMIT => Ok(Self(limit)),
            _ => Err(format!("{limit} is not from 1 to {MAX_LIMIT}")),
        }
    }
}

impl Page {
    /// This part of a list.
    pub(super) fn of<T>(&self, entries: impl IntoIterator<Item = T>) -> Vec<T> {
        let behind = entries.into_iter().skip(self.offset as usize);
        behind.take(self.limit.0 as usize).collect()
    }

    /// How many entries go before it, and how many it has at most.
    pub(super) fn bounds(&self) -> (usize, usize) {
        (self.offset as usize, self.limit.0 as usize)
    }

    /// The page of this number, counted from 1, as the platform's lists are cut.
    pub(super) fn numbered(page: Number, size: Limit) -> Self {
        Self {
            offset: page.before(size.0),
            limit: size,
        }
    }
}

/// A page's number: 1 and up.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub(super) struct Number(u32);

impl Number {
    /// How many entries are on the pages before it.
    pub(super) fn before(self, size: u32) -> u32 {
        (self.0 - 1).saturating_mul(size)
    }
}

impl Default for Number {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u32> for Number {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        match number {
            0 => Err("pages are counted from 1".to_owned()),
            _ => Ok(Self(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_a_page_is_a_part_of_the_list_wherever_it_is() {
        let page = |offset, limit| Page {
            offset,
            limit: Limit(limit),
        };
        assert_eq!(page(1, 2).of(0..5), [1, 2]);
        assert_eq!(page(4, 500).of(0..5), [4]);
        assert!(page(u32::MAX, 500).of(0..5).is_empty());
        let numbered = |number, size| Page::numbered(Number(number), Limit(size));
        assert_eq!(numbered(1, 2).of(0..5), [0, 1]);
        assert_eq!(numbered(3, 2).of(0..5), [4]);
        assert!(numbered(u32::MAX, 500).of(0..5).is_empty());
    }
}
