//! One of each: what rustc makes of Rust. The file `rust.<version>.ll.zst` is its LLVM IR.
#![crate_type = "lib"]
#![allow(dead_code, unused)]

pub struct Part {
    number: Box<i32>,
    names: Vec<u8>,
}

impl Drop for Part {
    fn drop(&mut self) {
        COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

pub trait Shape {
    fn area(&self) -> f64;
}

impl Shape for Part {
    fn area(&self) -> f64 {
        f64::from(*self.number) * 0.5
    }
}

pub fn make(n: i32) -> Option<Box<dyn Shape>> {
    match n {
        0 => None,
        1..=9 => Some(Box::new(Part { number: Box::new(n), names: vec![1, 2, 3] })),
        _ => panic!("too many"),
    }
}

pub fn leak(n: usize) -> *mut u8 {
    let boxed = vec![0_u8; n].into_boxed_slice();
    Box::into_raw(boxed).cast()
}

pub fn sum(parts: &[Part]) -> u128 {
    parts.iter().map(|part| u128::from(part.number.unsigned_abs())).sum()
}
