//! Decompression, chosen by a stream's first bytes and not by a file's name. Knows nothing of what is inside.

use std::io::{self, BufRead, Read};

use liblzma::stream::MtStreamBuilder;

/// For the decoders of all threads together; past it, fewer blocks are decoded at a time.
const XZ_MEMORY: u64 = 256 << 20;
/// A stream that needs more for a single thread is refused: xz's own largest dictionary takes 65 MiB.
const XZ_MOST: u64 = 1 << 30;

/// The decompressed bytes of `reader`; the bytes themselves where they are in no known compression.
pub(super) fn decode<'a>(
    mut reader: impl BufRead + 'a,
    threads: usize,
) -> io::Result<Box<dyn Read + 'a>> {
    let start = reader.fill_buf()?;
    Ok(match start {
        [] => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is empty")),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Box::new(Xz::new(reader, threads)?),
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
            Box::new(bzip2::bufread::MultiBzDecoder::new(reader))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(reader)?),
        _ => Box::new(reader),
    })
}

/// A file of one or more xz streams (the .xz file format, 1.1), each decoded by several threads where it has several
/// blocks. liblzma's threaded decoder ends at the end of a stream.
struct Xz<R: BufRead> {
    /// None only while one stream is put in the place of another.
    stream: Option<liblzma::bufread::XzDecoder<R>>,
    threads: u32,
}

impl<R: BufRead> Xz<R> {
    fn new(reader: R, threads: usize) -> io::Result<Xz<R>> {
        let threads = u32::try_from(threads.max(1)).unwrap_or(1);
        Ok(Xz {
            stream: Some(Self::stream(reader, threads)?),
            threads,
        })
    }

    fn stream(reader: R, threads: u32) -> io::Result<liblzma::bufread::XzDecoder<R>> {
        let mut builder = MtStreamBuilder::new();
        let stream = builder
            .threads(threads)
            .memlimit_threading(XZ_MEMORY)
            .memlimit_stop(XZ_MOST)
            .decoder()?;
        Ok(liblzma::bufread::XzDecoder::new_stream(reader, stream))
    }
}

impl<R: BufRead> Read for Xz<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(stream) = &mut self.stream {
            let count = stream.read(buffer).map_err(refused)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut reader) = self.stream.take().map(|stream| stream.into_inner()) else {
                break;
            };
            skip_padding(&mut reader)?;
            if !reader.fill_buf()?.is_empty() {
                self.stream = Some(Self::stream(reader, self.threads)?);
            }
        }
        Ok(0)
    }
}

/// That the system has refused memory or a thread is nothing that the archive can help.
fn refused(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(liblzma::stream::Error::Mem) => {
            let why = "no memory, or no thread, for the decoder of xz";
            io::Error::new(io::ErrorKind::OutOfMemory, why)
        }
        _ => error,
    }
}

/// Between streams there may be NUL bytes.
fn skip_padding(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let padding = buffer.iter().take_while(|byte| **byte == 0).count();
        let more = padding > 0 && padding == buffer.len();
        reader.consume(padding);
        if !more {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use liblzma::stream::Error;

    use super::*;

    #[test]
    fn what_the_system_refuses_is_no_damage() {
        let told = |error: Error| refused(io::Error::from(error)).kind();
        assert_eq!(told(Error::Mem), io::ErrorKind::OutOfMemory);
        assert_eq!(told(Error::Data), io::ErrorKind::InvalidData);
    }
}
