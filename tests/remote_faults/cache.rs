//! Good caches, of several makes.

use std::fs;
use std::thread;

use crate::peers::{self, Peer, Server};
use crate::support::World;

/// Who has it may read and write.
pub const TOKEN: &str = "t0ken";

/// A server, and what is in it.
pub struct Cache {
    pub name: &'static str,
    server: Server,
    /// What serves its files, if that is pwb.
    _world: Option<World>,
}

impl Cache {
    /// pwb's own, with BLAKE3 and zstd.
    fn pwb() -> Cache {
        let world = World::empty(&[]);
        let token = world.path("token");
        fs::write(&token, TOKEN).unwrap();
        let server = Server::start(|port, _| {
            let mut command = world.pwb(&["cache", "serve", "--allow-write", "--token-file"]);
            command
                .arg(&token)
                .arg(format!("--listen=127.0.0.1:{port}"));
            command
        });
        Cache {
            name: "pwb",
            server,
            _world: Some(world),
        }
    }

    /// BuildBox's, with SHA-256 and nothing compressed.
    fn casd() -> Cache {
        Cache {
            name: "casd",
            server: Server::casd(),
            _world: None,
        }
    }

    /// Does it with each that can be had here, at the same time: most of it is waiting.
    pub fn each(test: impl Fn(&Cache) + Sync) {
        let has_casd = peers::are_here(&[Peer::BuildBox]);
        thread::scope(|scope| {
            scope.spawn(|| test(&Cache::pwb()));
            scope.spawn(|| has_casd.then(|| test(&Cache::casd())));
        });
    }

    pub fn port(&self) -> u16 {
        self.server.remote().port
    }
}
