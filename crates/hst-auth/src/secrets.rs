use crate::{AppSecret, TokenError};

/// An App Secret and, while it is being replaced, the one before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets {
    present: Option<AppSecret>,
    previous: Option<AppSecret>,
}

impl Secrets {
    /// Holds no secret: opens nothing, at the price of one that holds two.
    pub(crate) const NONE: Self = Self {
        present: None,
        previous: None,
    };

    pub(crate) fn of(present: &AppSecret) -> Self {
        Self {
            present: Some(present.clone()),
            previous: None,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.present.is_none()
    }

    /// Only beside a present one.
    pub(crate) fn set_previous(&mut self, previous: &AppSecret) {
        self.previous = self.present.as_ref().map(|_| previous.clone());
    }

    /// What the first secret that opens something finds there.
    ///
    /// Both are always tried, with nobody's secret where there is none: neither how many there are, nor which of them
    /// it was, shows in the time it takes.
    pub(crate) fn open<T>(&self, with: impl Fn(&AppSecret) -> Result<T, TokenError>) -> Result<T, TokenError> {
        let [present, previous] = [&self.present, &self.previous].map(|secret| match secret {
            Some(secret) => with(secret),
            None => with(&AppSecret::nobodys()).and(Err(TokenError::Rejected)),
        });
        present.or(previous)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn secret(text: &str) -> AppSecret {
        AppSecret::parse(text).unwrap()
    }

    /// What opens with `key`, and how many secrets were tried.
    fn open(secrets: &Secrets, key: &AppSecret) -> (Result<AppSecret, TokenError>, usize) {
        let tried = RefCell::new(0);
        let opened = secrets.open(|secret| {
            *tried.borrow_mut() += 1;
            if secret == key {
                Ok(secret.clone())
            } else {
                Err(TokenError::Rejected)
            }
        });
        (opened, tried.into_inner())
    }

    #[test]
    fn l2_two_secrets_are_tried_however_many_there_are_and_whichever_it_is() {
        let [a, b, c] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"].map(secret);
        let one = Secrets::of(&a);
        let mut two = one.clone();
        two.set_previous(&b);
        for (secrets, key, opens) in [
            (&Secrets::NONE, &a, false),
            (&one, &a, true),
            (&one, &b, false),
            (&two, &a, true),
            (&two, &b, true),
            (&two, &c, false),
        ] {
            let expected = if opens {
                Ok(key.clone())
            } else {
                Err(TokenError::Rejected)
            };
            assert_eq!(open(secrets, key), (expected, 2));
        }
    }

    #[test]
    fn what_nobodys_secret_opens_is_refused() {
        for secrets in [Secrets::NONE, Secrets::of(&secret("aaaaaaaaaaaaaaaa"))] {
            assert_eq!(open(&secrets, &AppSecret::nobodys()).0, Err(TokenError::Rejected));
        }
    }

    #[test]
    fn there_is_no_previous_secret_without_a_present_one() {
        let mut secrets = Secrets::NONE;
        secrets.set_previous(&secret("aaaaaaaaaaaaaaaa"));
        assert_eq!(open(&secrets, &secret("aaaaaaaaaaaaaaaa")).0, Err(TokenError::Rejected));
    }
}
