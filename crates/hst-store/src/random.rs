use aws_lc_rs::rand;
use hst_auth::AppSecret;

use crate::StoreError;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Bytes from here on are thrown away: with them the first letters would come more often than the others.
const FAIR: u8 = 256_u16
    .next_multiple_of(LETTERS.len() as u16)
    .wrapping_sub(LETTERS.len() as u16) as u8;

/// An id: 32 lower-case hexadecimal digits.
pub(crate) fn id() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A secret: 16 letters and digits, which are 95 bits; hexadecimal digits would be 64.
pub(crate) fn secret() -> Result<AppSecret, StoreError> {
    let mut text = String::with_capacity(16);
    while text.len() < 16 {
        let mut byte = [0];
        fill(&mut byte)?;
        if byte[0] < FAIR {
            text.push(char::from(LETTERS[usize::from(byte[0]) % LETTERS.len()]));
        }
    }
    Ok(AppSecret::parse(&text).expect("16 letters and digits are a secret"))
}

/// A key for the server's own use.
pub(crate) fn key() -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    fill(&mut key)?;
    Ok(key)
}

fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    rand::fill(bytes).map_err(|_| StoreError::NoRandomness)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_have_32_lower_hexadecimal_digits_and_do_not_repeat() {
        let ids: HashSet<String> = (0..1000).map(|_| id().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        let digits = |id: &String| id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert!(ids.iter().all(digits));
    }

    #[test]
    fn secrets_use_every_letter_and_digit() {
        assert_eq!(FAIR, 248);
        let seen: HashSet<char> = (0..1000)
            .flat_map(|_| secret().unwrap().reveal().chars().collect::<Vec<_>>())
            .collect();
        assert_eq!(seen.len(), LETTERS.len());
    }
}
