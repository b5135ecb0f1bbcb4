//! Files of series as they are in the wild: other line ends, packed, cut off, damaged, in disorder.
#![forbid(unsafe_code)]

use flate2::Compression;
use flate2::write::GzEncoder;
use stanch_watch::detect::{Looks, Verdict};
use stanch_watch::replay::{FileError, Replay, WhichFile, replay, write_json, write_text};
use std::io::Write;

const HEADER: &str = "time,series,bytes,limit,load\n";

/// Two days of a leak, a sample in five minutes.
fn leak(name: &str) -> String {
    (0..576).map(|step| format!("{},{name},{},,\n", step * 300, 100_000_000 + step * 500_000)).collect()
}

fn read(series: &[u8]) -> Result<Replay, FileError> {
    replay(series, None::<&[u8]>, Looks::AtEnd)
}

fn failure(series: &[u8]) -> String {
    read(series).expect_err("it is refused").error.to_string()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn dialects_of_csv_say_the_same() {
    let plain = format!("{HEADER}{}", leak("a"));
    let wanted = read(plain.as_bytes()).unwrap();
    assert_eq!(wanted.series[0].conclusion.verdict, Verdict::Leak);
    let dialects = [
        plain.replace('\n', "\r\n").into_bytes(),
        format!("\u{feff}{plain}").into_bytes(),
        plain.replace(",a,", ",\"a\",").into_bytes(),
        plain.replace(",,\n", "\n").into_bytes(),
        plain.replace("00,,", "00.0,,").into_bytes(),
        plain.trim_end().as_bytes().to_vec(),
        packed(plain.as_bytes()),
    ];
    for dialect in &dialects {
        let other = read(dialect).unwrap();
        assert_eq!(other.series[0].conclusion, wanted.series[0].conclusion);
        assert_eq!((other.series[0].series.as_str(), other.notes.len()), ("a", 0));
    }
}

#[test]
fn interleaved_series_are_kept_apart_and_stay_in_order() {
    let (one, other) = (leak("one"), leak("an,\"other\"").replace(",an,\"other\",", ",\"an,\"\"other\"\"\","));
    let mixed: String = one.lines().zip(other.lines()).map(|(one, other)| format!("{one}\n{other}\n")).collect();
    let replay = read(format!("{HEADER}{mixed}").as_bytes()).unwrap();
    let names: Vec<_> = replay.series.iter().map(|one| (one.series.as_str(), one.samples)).collect();
    assert_eq!(names, [("one", 576), ("an,\"other\"", 576)]);
    assert_eq!(replay.series[0].conclusion, replay.series[1].conclusion);
}

#[test]
fn a_few_bad_lines_are_left_out_and_told() {
    let bad =
        ["nan,a,5,,", "1,a,-5,,", "1,a,x,,", "1,a,1e300,,", "1,a", "1,,5,,", "1,a,5,,,6", "1,a,,,", "\u{fffd},a,1,,"];
    let text = format!("{HEADER}{}\n{}", bad.join("\n"), leak("a"));
    let replay = read(text.as_bytes()).unwrap();
    assert_eq!(replay.series[0].samples, 576);
    assert_eq!(replay.notes, ["9 lines of samples were left out; line 2: `nan` is no number (the time)"]);
}

#[test]
fn files_that_make_no_sense_are_refused_with_what_to_do() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "it is empty\nhint: the first line of such a file is `time,series,bytes,limit,load`"),
        (b"time,bytes\n1,2\n", "its first line is `time,bytes`, not `time,series,bytes,limit,load`\nhint: "),
        (HEADER.as_bytes(), "it has no samples"),
        (b"time,series,bytes,limit,load\nx\ny\nz\n", "3 of 3 lines make no sense; the first is line 2: "),
        (&[0x1f, 0x8b, 1, 2, 3], "cannot be read"),
        (&[0xff; 100_000], "its first line is "),
    ];
    for (bytes, wanted) in cases {
        let said = failure(bytes);
        assert!(said.starts_with(wanted), "{said}");
    }
}

#[test]
fn of_packed_data_that_is_cut_off_the_begin_is_read() {
    let whole = packed(format!("{HEADER}{}", leak("a")).as_bytes());
    let replay = read(&whole[..whole.len() * 2 / 3]).unwrap();
    assert!(100 < replay.series[0].samples && replay.series[0].samples < 576);
    assert!(replay.notes[0].starts_with("the file of samples is not whole: "), "{:?}", replay.notes);
}

#[test]
fn samples_in_disorder_are_left_out_and_told() {
    let text = format!("{HEADER}{}5,a,7,,\n", leak("a"));
    let replay = read(text.as_bytes()).unwrap();
    assert_eq!(replay.series[0].samples, 576);
    assert!(replay.notes[0].starts_with("1 samples are older than the one before them"), "{:?}", replay.notes);
}

#[test]
fn events_are_read_and_their_errors_name_their_file() {
    let series = format!("{HEADER}{}", leak("a"));
    let with = |events: &str| replay(series.as_bytes(), Some(events.as_bytes()), Looks::AtEnd);
    assert!(with("time,series,event\n9000,a,restart\n").unwrap().notes.is_empty());
    let notes = with("time,series,event\n9000,b,deploy\n").unwrap().notes;
    assert_eq!(notes, ["events of 1 series have no samples, the first is `b`"]);
    let error = with("time,series,event\n9000,a,rebooted\n").expect_err("it is refused");
    assert_eq!(error.file, WhichFile::Events);
    assert!(error.error.to_string().contains("line 2: `rebooted` is none of"), "{}", error.error);
}

#[test]
fn no_damage_makes_it_panic() {
    let whole = format!("{HEADER}{}", leak("a")).into_bytes();
    let packed = packed(&whole);
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..400 {
        let mut bytes = if round % 2 == 0 { whole.clone() } else { packed.clone() };
        for _ in 0..random.usize(1..20) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(..=bytes.len()));
        if let Ok(replay) = read(&bytes) {
            let mut out = Vec::new();
            write_json(&replay.series, &mut out).unwrap();
            write_text(&replay.series, &mut out).unwrap();
        }
    }
}

#[test]
fn json_has_the_keys_that_were_promised() {
    let text = format!("{HEADER}{}", leak("a"));
    let replay = replay(text.as_bytes(), None::<&[u8]>, Looks::WhileItGoes).unwrap();
    let mut out = Vec::new();
    write_json(&replay.series, &mut out).unwrap();
    let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&line["series"], &line["verdict"], &line["exhaustion"]), (&"a".into(), &"leak".into(), &().into()));
    assert!(line["rate_bytes_per_hour"]["low"].as_f64() <= line["rate_bytes_per_hour"]["high"].as_f64());
    assert!(line["onset"].is_number() && line["confidence"].is_number());
    assert!(line["alarms"][0]["raised"].is_number() && line["alarms"][0]["cleared"].is_null());
}
