//! A stream compressed with zstd on all cores. How many there are makes no difference to the bytes.

use std::io::{self, Write};

use zstd::Encoder;

/// What is written to it comes out compressed.
pub struct Compressed<W: Write>(Encoder<'static, W>);

impl<W: Write> Compressed<W> {
    pub fn new(out: W, level: i32) -> io::Result<Compressed<W>> {
        let cores = std::thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Compressed::with_threads(out, level, cores)
    }

    fn with_threads(out: W, level: i32, threads: u32) -> io::Result<Compressed<W>> {
        let mut encoder = Encoder::new(out, level)?;
        encoder.multithread(threads)?;
        encoder.include_checksum(true)?;
        Ok(Compressed(encoder))
    }

    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for Compressed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Keeps what is buffered: a flush in the middle would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let text: Vec<u8> = (0..3_000_000_u64)
            .flat_map(|n| (n * n / 7).to_le_bytes())
            .collect();
        let compressed = |threads, at_a_time| {
            let mut out = Compressed::with_threads(Vec::new(), 3, threads).unwrap();
            for part in text.chunks(at_a_time) {
                out.write_all(part).unwrap();
                out.flush().unwrap();
            }
            out.finish().unwrap()
        };
        let one = compressed(1, 100_000);
        assert!(one == compressed(4, 7_777) && one.len() < text.len());
        assert!(zstd::decode_all(&one[..]).unwrap() == text);
    }
}
