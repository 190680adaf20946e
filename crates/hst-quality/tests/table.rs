//! The table to which `quality.js` is held, too.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use hst_quality::{Figures, Kind, Limit};
use serde_json::Value;

const LIMITS: [Limit; 6] = [
    Limit::None,
    Limit::Cpu,
    Limit::Bandwidth,
    Limit::View,
    Limit::Paused,
    Limit::Muted,
];

/// What a row names of the figures, with bits by the thousand as browsers have them; the rest is not known.
fn figures(row: &Value) -> Figures {
    let number = |name: &str| row[name].as_f64().unwrap_or(0.0);
    let millis = |name: &str| Duration::from_secs_f64(number(name) / 1000.0);
    let limit = row["limitedBy"].as_str().unwrap_or("none");
    Figures {
        kind: match row["kind"].as_str().unwrap() {
            "sound" => Kind::Sound,
            "camera" => Kind::Camera,
            "screen" => Kind::Screen,
            other => panic!("{other} is no kind"),
        },
        bitrate: (number("bitRate") * 1000.0) as u64,
        frame_rate: number("frameRate"),
        width: number("width") as u32,
        height: number("height") as u32,
        asked_height: number("askedHeight") as u32,
        asked_frame_rate: number("askedFrameRate"),
        loss_rate: number("lossRate"),
        jitter: millis("jitterMs"),
        round_trip: millis("roundTripMs"),
        frozen: number("frozen"),
        limited_by: LIMITS.into_iter().find(|it| it.as_str() == limit).unwrap(),
    }
}

#[test]
fn every_row_of_the_table_has_its_score_and_reason() {
    let table: Vec<Value> = serde_json::from_str(include_str!("table.json")).unwrap();
    for row in &table {
        let quality = figures(row).quality();
        let found = quality.map(|it| (it.score, it.reason.as_str()));
        let expected = &row["quality"];
        let expected = expected["score"].as_f64().zip(expected["reason"].as_str());
        assert_eq!(found, expected, "{row}");
    }
}

#[test]
fn whatever_is_measured_there_is_a_score_from_1_to_5() {
    let odd = [0.0, -1.0, 0.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for kind in [Kind::Sound, Kind::Camera, Kind::Screen] {
        for (one, other) in odd.into_iter().flat_map(|one| odd.map(|other| (one, other))) {
            let figures = Figures {
                bitrate: u64::MAX,
                width: u32::MAX,
                height: 1,
                asked_height: u32::MAX,
                frame_rate: one,
                asked_frame_rate: other,
                loss_rate: one,
                frozen: other,
                jitter: Duration::MAX,
                round_trip: Duration::MAX,
                ..Figures::of(kind)
            };
            for figures in [
                figures,
                Figures {
                    jitter: Duration::ZERO,
                    round_trip: Duration::ZERO,
                    ..figures
                },
            ] {
                let score = figures.quality().unwrap().score;
                assert!((1.0..=5.0).contains(&score), "{score} of {figures:?}");
            }
        }
    }
}

#[test]
fn worse_figures_are_never_a_better_score() {
    let good = Figures {
        bitrate: 500_000,
        width: 640,
        height: 480,
        frame_rate: 15.0,
        ..Figures::of(Kind::Camera)
    };
    for kind in [Kind::Sound, Kind::Camera, Kind::Screen] {
        let good = Figures { kind, ..good };
        let worse: [fn(&mut Figures, f64); 5] = [
            |it, by| it.loss_rate = by,
            |it, by| it.frozen = by,
            |it, by| it.jitter = Duration::from_secs_f64(by),
            |it, by| it.round_trip = Duration::from_secs_f64(by * 2.0),
            |it, by| it.frame_rate = 15.0 * (1.0 - by),
        ];
        for worsen in worse {
            let scores = (0..=20).map(|step| {
                let mut figures = good;
                worsen(&mut figures, f64::from(step) / 20.0);
                figures.quality().unwrap().score
            });
            assert!(scores.is_sorted_by(|one, next| next <= one), "{kind:?}");
        }
    }
}
