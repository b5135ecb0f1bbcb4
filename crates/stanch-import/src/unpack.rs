//! gzip and zstd, recognised by their first bytes, read as far as they are sound.
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Larger windows than heaptrack and `zstd -19` use are refused: a header of a few bytes could ask for gigabytes.
const WINDOW_LOG_MAX: u32 = 24;

/// What is wrong with packed data, known once it was read.
pub(crate) type Damage = Rc<RefCell<Option<String>>>;

/// The unpacked bytes. Where they cannot be unpacked they end, and the damage says why.
pub(crate) fn open<'a>(input: impl Read + 'a) -> io::Result<(Box<dyn BufRead + 'a>, Damage)> {
    let mut input = BufReader::new(input);
    let damage = Damage::default();
    // A reader that ends early may give fewer bytes than it has at first.
    let head = input.fill_buf()?;
    let unpacked: Box<dyn Read + 'a> = if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(input))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Box::new(decoder)
    } else {
        return Ok((Box::new(input), damage));
    };
    let lenient = Lenient { input: unpacked, damage: Rc::clone(&damage) };
    Ok((Box::new(BufReader::new(lenient)), damage))
}

/// Ends where its input fails.
struct Lenient<R> {
    input: R,
    damage: Damage,
}

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.damage.borrow().is_some() {
            return Ok(0);
        }
        match self.input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                *self.damage.borrow_mut() = Some(format!("the packed data is damaged or cut off ({error})"));
                Ok(0)
            }
            read => read,
        }
    }
}
