//! Answers of HTTP servers: whatever comes, a download is what was pinned, or an error; and a page is a page.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pwb_engine::fetch::{Fetcher, Places, Settings, Timeouts};
use pwb_engine::recipe::{NodeKind, Origin, Pin, Sha256};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use crate::pieces::{find, pieces};
use crate::{lock, scratch};

/// The first byte says what is asked for; the others are the answers, one a connection.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let answers: VecDeque<Vec<u8>> = pieces(rest).into_iter().map(<[u8]>::to_vec).collect();
    let bodies: Vec<&[u8]> = answers.iter().map(|answer| body(answer)).collect();
    match kind % 4 {
        0 => download(&answers, bodies.last().copied().unwrap_or_default()),
        1 => download(&answers, &bodies.concat()),
        2 => newest(&answers, "npm"),
        _ => newest(&answers, "pypi"),
    }
}

fn download(answers: &VecDeque<Vec<u8>>, wanted: &[u8]) {
    let folder = scratch::folder();
    let fetcher = fetcher(folder.path(), answers);
    let pin = Pin::Sha256(Sha256::parse(&pwb_cache::Sha256::of(wanted).hex()).expect("it is one"));
    let from = [Origin::Url("http://server.test/file".to_owned())];
    if let Ok(fetched) = fetcher.fetch(&from, pin, &mut |_| ()) {
        assert_eq!(std::fs::read(&fetched.file).unwrap(), wanted);
        assert_eq!(fetched.size, wanted.len() as u64);
    }
}

fn newest(answers: &VecDeque<Vec<u8>>, node: &str) {
    let folder = scratch::folder();
    let library = lock::load(lock::LOCK.as_bytes()).expect("the recipe is one");
    let mut nodes = library.nodes();
    let node = nodes
        .find(|it| it.name.name() == node)
        .expect("it has the node");
    if let NodeKind::Fetch(fetch) = &node.kind {
        let _ = fetcher(folder.path(), answers).newest(fetch);
    }
}

fn fetcher(scratch: &std::path::Path, answers: &VecDeque<Vec<u8>>) -> Fetcher {
    let places = Places {
        npm: Some("http://npm.test".to_owned()),
        pypi: Some("http://pypi.test/simple".to_owned()),
        ..Places::default()
    };
    let settings = Settings {
        scratch: scratch.to_owned(),
        places,
        offline: false,
        timeouts: Timeouts {
            pause: Duration::ZERO,
            ..Timeouts::default()
        },
    };
    let answers = Answers(Arc::new(Mutex::new(answers.clone())));
    Fetcher::with_agent(settings, |config| {
        Agent::with_parts(config, answers, Nowhere)
    })
    .unwrap()
}

fn body(answer: &[u8]) -> &[u8] {
    const END: &[u8] = b"\r\n\r\n";
    find(answer, END).map_or(&[], |at| &answer[at + END.len()..])
}

/// Every connection is the next answer, whatever is asked.
#[derive(Debug)]
struct Answers(Arc<Mutex<VecDeque<Vec<u8>>>>);

impl Connector for Answers {
    type Out = Answer;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Answer>, ureq::Error> {
        let next = self.0.lock().unwrap().pop_front();
        let answer = next.ok_or(ureq::Error::ConnectionFailed)?;
        let config = details.config;
        Ok(Some(Answer {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            answer: answer.into(),
        }))
    }
}

#[derive(Debug)]
struct Answer {
    buffers: LazyBuffers,
    answer: VecDeque<u8>,
}

impl Transport for Answer {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let count = self.answer.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    /// TLS is not what is tried here.
    fn is_tls(&self) -> bool {
        true
    }
}

/// Every name is found; nobody goes there.
#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        found.push(([127, 0, 0, 1], 9).into());
        Ok(found)
    }
}
