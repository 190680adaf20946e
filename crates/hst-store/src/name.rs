use crate::{
    InvalidValue,
    text::{check_all, check_characters, text},
};

const MAX: usize = 64;

text! {
    /// What people call an App: 1 to 64 Latin, Chinese, Japanese or Korean letters, digits, `_`, `-`, and spaces between
    /// them.
    ///
    /// Any number of Apps may have the same name: what tells them apart is the App ID.
    AppName, check
}

fn check(text: &str) -> Result<(), InvalidValue> {
    check_characters(text, 1, MAX)?;
    check_all(
        text,
        "Latin, Chinese, Japanese and Korean letters, digits, '_', '-' and ' ' are",
        |c| is_letter(c) || c.is_ascii_digit() || matches!(c, '_' | '-' | ' '),
    )?;
    match text.trim() == text {
        true => Ok(()),
        false => Err(InvalidValue::Character {
            allowed: "spaces are between other characters only",
        }),
    }
}

/// A letter of the scripts of the platform's rule. The blocks hold punctuation, too, which is no letter.
fn is_letter(c: char) -> bool {
    let of_the_scripts = matches!(c,
        'A'..='z'
        | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' // Latin with marks
        | '\u{3005}'..='\u{30FF}' // 々, 〇, kana
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}' // Han
        | '\u{AC00}'..='\u{D7A3}' // hangul
    );
    of_the_scripts && c.is_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_of_the_platforms_scripts_digits_and_joints() {
        let longest = "会".repeat(64);
        for text in [
            "a",
            "会议",
            "Vidéo_2 - été",
            "カメラ",
            "화상회의",
            "Việt",
            "々〇",
            "1",
            &longest,
        ] {
            assert_eq!(AppName::parse(text).unwrap().as_str(), text);
        }
        let length = |len| {
            Err(InvalidValue::Length {
                len,
                min: 1,
                max: 64,
                unit: "characters",
            })
        };
        assert_eq!(AppName::parse(""), length(0));
        assert_eq!(AppName::parse(&"会".repeat(65)), length(65));
        for text in [
            " a",
            "a ",
            "　a",
            "a\u{a0}b",
            "a'b",
            "a;b",
            "a\"b",
            "a%b",
            "a.b",
            "a\0",
            "a\nb",
            "a\u{1b}[1m",
        ] {
            assert!(
                matches!(AppName::parse(text), Err(InvalidValue::Character { .. })),
                "{text:?}"
            );
        }
        for text in [
            "[",
            "\\",
            "^",
            "`",
            "×",
            "÷",
            "「a」",
            "😀",
            "\u{202e}a",
            "a\u{200b}",
            "\u{3164}",
            "имя",
        ] {
            assert!(
                matches!(AppName::parse(text), Err(InvalidValue::Character { .. })),
                "{text:?}"
            );
        }
    }
}
