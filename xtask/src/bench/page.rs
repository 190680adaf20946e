//! The section of docs/performance.md that nobody writes by hand.

use super::{cases::Case, rest::Rest};
use crate::Result;

/// What stands before and behind it.
const MARKS: [&str; 2] = ["<!-- bench: begin -->", "<!-- bench: end -->"];

/// How it was measured, the tables, and where the pictures are.
pub(super) fn section(cases: &[Case], rest: &Rest, how: &str) -> String {
    let mut text = format!(
        "{how}\n\n| case | µs a packet | of it in the system | packets a second and core | Gbit/s a core | the machine's limit | of the limit | delay p50, p99, p99.9 |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for case in cases {
        let plain = &case.plain;
        text += &row(&[
            format!("`{}`", case.name),
            micros(plain.cost()),
            micros(plain.system),
            thousands(plain.speed),
            number(plain.gbit),
            thousands(plain.limit),
            number(plain.ratio),
            delays(plain.delays, plain.is_limited),
        ]);
    }
    text += "\nThe same with half of what the server can carry (`--load 0.5`):\n\n\
             | case | load that was reached | delay p50, p99, p99.9 |\n|---|---|---|\n";
    for Case { name, loaded, .. } in cases {
        let delays = delays(loaded.delays, loaded.is_limited);
        text += &row(&[format!("`{name}`"), number(loaded.load), delays]);
    }
    text += "\nThe same clients at a server on the crate `webrtc` (`--beside`):\n\n\
             | case | ours | on `webrtc` | times as much |\n|---|---|---|---|\n";
    for Case { name, plain, .. } in cases.iter().filter(|case| case.plain.beside.is_some()) {
        text += &row(&[
            format!("`{name}`"),
            format!("{} µs", micros(plain.cost())),
            format!("{} µs", micros(plain.beside)),
            number(plain.beside_ratio),
        ]);
    }
    text += "\n| what else | figure |\n|---|---|\n";
    let of = |name: &str| cases.iter().find(|case| case.name == name).map(|case| &case.plain);
    let kib = |bytes: f64| format!("{:.1} KiB", bytes / 1024.0);
    for (what, bytes) in [
        (
            "memory of a receiver of one camera (`1to100`)",
            of("1to100").and_then(|it| it.bytes_per_receiver),
        ),
        (
            "memory of a member of a group without media (`audio`)",
            of("audio").and_then(|it| it.bytes_per_member),
        ),
    ] {
        text += &bytes
            .map(|bytes| row(&[what.to_owned(), kib(bytes)]))
            .unwrap_or_default();
    }
    for (what, figure) in rest {
        text += &row(&[what.clone(), figure.clone()]);
    }
    text + "\n![How near each case comes to the limit](figures/forward-limit.svg)\n\
            ![What a packet costs](figures/forward-cost.svg)\n\
            ![How long packets take](figures/forward-delay.svg)\n"
}

/// The page with this between the marks.
pub(super) fn with_section(page: &str, section: &str) -> Result<String> {
    let missing = || format!("the lines `{}` and `{}` are missing", MARKS[0], MARKS[1]);
    let (before, rest) = page.split_once(MARKS[0]).ok_or_else(missing)?;
    let (_, after) = rest.split_once(MARKS[1]).ok_or_else(missing)?;
    Ok(format!("{before}{}\n\n{section}\n{}{after}", MARKS[0], MARKS[1]))
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn micros(value: Option<f64>) -> String {
    value.map_or_else(unknown, |value| format!("{value:.1}"))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(unknown, |value| format!("{value:.2}"))
}

/// To three digits, in groups of three.
fn thousands(value: Option<f64>) -> String {
    let Some(value) = value else { return unknown() };
    let unit = 10f64.powf((value.max(1.0).log10().floor() - 2.0).max(0.0));
    let digits = format!("{:.0}", (value / unit).round() * unit);
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn delays(micros: [Option<f64>; 3], is_limited: bool) -> String {
    let text = micros.map(|micros| micros.map_or_else(unknown, |micros| format!("{:.2}", micros / 1e3)));
    let remark = if is_limited { " (the clients were too slow)" } else { "" };
    format!("{} ms{remark}", text.join(", "))
}

fn unknown() -> String {
    "–".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_written_anew() {
        let page = format!("before\n{}\nold\n{}\nafter\n", MARKS[0], MARKS[1]);
        let once = with_section(&page, "new\n").unwrap();
        assert_eq!(once, format!("before\n{}\n\nnew\n\n{}\nafter\n", MARKS[0], MARKS[1]));
        assert_eq!(with_section(&once, "new\n").unwrap(), once);
        assert!(with_section("nothing", "new").is_err());
    }

    #[test]
    fn large_numbers_have_three_digits_and_groups() {
        assert_eq!(thousands(Some(256_789.0)), "257,000");
        assert_eq!(thousands(Some(1_234_567.0)), "1,230,000");
        assert_eq!(thousands(Some(987.4)), "987");
        assert_eq!(thousands(None), "–");
    }

    #[test]
    fn what_is_not_known_is_a_dash_and_slow_clients_are_told() {
        let mut case = Case {
            name: "audio",
            ..Case::default()
        };
        case.plain.is_limited = true;
        let text = section(&[case], &Rest::new(), "How.");
        assert!(
            text.contains("| `audio` | – | – | – | – | – | – | –, –, – ms (the clients were too slow) |"),
            "{text}"
        );
        assert!(
            !text.contains("| `audio` | – µs"),
            "it was not measured beside another: {text}"
        );
    }
}
