//! The detector on generated series whose truth is known, of seeds that it was not fitted to.
//!
//! Few series of each family, so the bounds are wider than what `bench/watch` reports on many.
#![forbid(unsafe_code)]

mod generate;

use generate::Made;
use stanch_watch::detect::{Conclusion, Detector, Looks, Verdict};
use stanch_watch::series::{Event, EventKind, Sample};

fn replay(samples: &[Sample], events: &[Event], looks: Looks) -> Conclusion {
    let mut detector = Detector::new(looks);
    let mut events = events.iter().peekable();
    for sample in samples {
        while let Some(event) = events.next_if(|event| event.time_s <= sample.time_s) {
            detector.event(event);
        }
        detector.sample(sample);
    }
    detector.conclude()
}

#[test]
fn leaks_are_told_from_what_is_healthy() {
    let made: Vec<Made> = (0..generate::FAMILIES)
        .flat_map(|family| (1..=8).map(move |seed| (family, seed)))
        .map(|(family, seed)| generate::make(family, seed))
        .collect();
    let (mut leaks, mut raised, mut falsely_raised, mut found, mut falsely_found, mut rates_near, mut rates) =
        (0, 0, 0, 0, 0, 0, 0);
    for one in &made {
        let conclusion = replay(&one.samples, &one.events, Looks::WhileItGoes);
        let first = conclusion.alarms.first().map(|alarm| alarm.raised_s);
        let is_found = conclusion.verdict == Verdict::Leak;
        match &one.leak {
            Some(leak) => {
                leaks += 1;
                raised += usize::from(first.is_some_and(|first_s| leak.onset_s <= first_s));
                falsely_raised += usize::from(first.is_some_and(|first_s| first_s < leak.onset_s));
                found += usize::from(is_found);
                if let (true, Some(truth), Some(rate)) =
                    (is_found, leak.rate_bytes_per_hour, conclusion.rate_bytes_per_hour)
                {
                    rates += 1;
                    rates_near += usize::from((rate.mid / truth - 1.0).abs() <= 0.15);
                }
            }
            None => {
                falsely_raised += usize::from(first.is_some());
                falsely_found += usize::from(is_found);
            }
        }
    }
    let told = format!(
        "{leaks} leaks: {raised} raised, {found} found, {rates_near} of {rates} rates near; \
         wrongly {falsely_raised} raised, {falsely_found} found"
    );
    assert!(0.86 * leaks as f64 <= raised as f64, "{told}");
    assert!(0.82 * leaks as f64 <= found as f64, "{told}");
    assert!(falsely_raised as f64 <= 0.2 * raised as f64, "{told}");
    assert!(falsely_found as f64 <= 0.05 * found as f64, "{told}");
    assert!(0.9 * rates as f64 <= rates_near as f64, "{told}");
}

#[test]
fn what_is_said_at_the_end_does_not_depend_on_having_looked_before() {
    for family in 0..generate::FAMILIES {
        let made = generate::make(family, 4);
        let online = replay(&made.samples, &made.events, Looks::WhileItGoes);
        let at_end = replay(&made.samples, &made.events, Looks::AtEnd);
        assert_eq!(Conclusion { alarms: Vec::new(), ..online }, at_end, "{}", made.name);
    }
}

/// A sample a minute, in MiB.
fn minutely(days: f64, mib: impl Fn(f64) -> f64) -> Vec<Sample> {
    let count = (days * 1440.0) as usize;
    (0..count)
        .map(|minute| Sample {
            time_s: minute as f64 * 60.0,
            // Noise of a tenth of a MiB that repeats after a prime number of minutes.
            bytes: (mib(minute as f64 / 60.0) + 0.1 * ((minute * 7919 % 101) as f64 / 101.0 - 0.5))
                * f64::from(1 << 20),
            limit_bytes: Some(f64::from(1 << 30)),
            load: None,
        })
        .collect()
}

#[test]
fn a_straight_leak_is_found_with_its_rate_and_the_hour_at_which_it_hurts() {
    let conclusion = replay(&minutely(3.0, |hours| 100.0 + 5.0 * hours), &[], Looks::WhileItGoes);
    assert_eq!(conclusion.verdict, Verdict::Leak);
    let rate = conclusion.rate_bytes_per_hour.unwrap();
    assert!((rate.mid / f64::from(5 << 20) - 1.0).abs() < 0.02, "{rate:?}");
    let exhaustion = conclusion.exhaustion_s.unwrap();
    let truth_s = (1024.0 - 100.0) / 5.0 * 3600.0;
    assert!(exhaustion.low <= truth_s && truth_s <= exhaustion.high, "{exhaustion:?}, {truth_s}");
    assert!((exhaustion.mid / truth_s - 1.0).abs() < 0.05, "{exhaustion:?}, {truth_s}");
    let [alarm] = conclusion.alarms[..] else { panic!("{:?}", conclusion.alarms) };
    assert!(alarm.raised_s < 16.0 * 3600.0 && alarm.cleared_s.is_none(), "{alarm:?}");
}

#[test]
fn an_alarm_is_cleared_when_the_leak_is_gone() {
    let mut samples = minutely(6.0, |hours| if hours < 72.0 { 100.0 + 5.0 * hours } else { 100.0 });
    samples.iter_mut().for_each(|sample| sample.limit_bytes = None);
    let deploy = Event { time_s: 72.0 * 3600.0, kind: EventKind::Deploy };
    let conclusion = replay(&samples, &[deploy], Looks::WhileItGoes);
    assert!(matches!(conclusion.alarms[..], [alarm] if alarm.cleared_s.is_some()), "{:?}", conclusion.alarms);
    assert_ne!(conclusion.verdict, Verdict::Leak);
}

#[test]
fn what_is_too_short_is_unknown() {
    let conclusion = replay(&minutely(0.01, |_| 100.0), &[], Looks::WhileItGoes);
    assert_eq!((conclusion.verdict, conclusion.confidence), (Verdict::Unknown, 0.0));
    assert_eq!(replay(&[], &[], Looks::AtEnd).verdict, Verdict::Unknown);
}

#[test]
fn extreme_series_are_looked_at_without_a_panic() {
    let at = |time_s: f64, bytes: f64| Sample { time_s, bytes, limit_bytes: Some(1.0), load: Some(bytes) };
    let extremes: [Vec<Sample>; 5] = [
        (0..500).map(|step| at(f64::from(step) * 1e12, f64::from(step) * 1e15)).collect(),
        (0..500).map(|step| at(0.0, f64::from(step))).collect(),
        (0..5000).map(|step| at(f64::from(step) * 600.0, 0.0)).collect(),
        (0..5000).map(|step| at(f64::from(step) * 600.0, if step % 2 == 0 { 0.0 } else { 1e18 })).collect(),
        (0..5000).map(|step| at(-1e15 + f64::from(step) * 600.0, f64::from(step).exp().min(1e18))).collect(),
    ];
    for samples in &extremes {
        let restarts: Vec<Event> =
            samples.iter().step_by(3).map(|sample| Event { time_s: sample.time_s, kind: EventKind::Restart }).collect();
        for events in [&[][..], &restarts] {
            let conclusion = replay(samples, events, Looks::WhileItGoes);
            assert!((0.0..=1.0).contains(&conclusion.confidence), "{conclusion:?}");
        }
    }
}
