//! `pwb serve`: a target that is a web site, on a port of this machine.

use std::process::ExitCode;

use pwb_engine::Error;

use super::say;
use crate::cli::{Cli, Serve};
use crate::interrupt;
use crate::making::Making;
use crate::report::{Failure, warn};
use crate::site::{self, Address, Files};

pub fn run(cli: &Cli, arguments: &Serve) -> Result<ExitCode, Failure> {
    let making = Making::begin(cli, &arguments.options, &arguments.building)?;
    let target = making.target(&arguments.target)?;
    let site = target.and_then(|target| target.site.as_ref());
    let site = site.ok_or_else(|| Error::NotASite(arguments.target.clone()))?;
    let [result] = making.realize([making.request(&arguments.target)?])?;
    let files = Files::of(&making.store, &result, &site.index)?;

    let address = Address {
        ip: arguments.listen,
        port: arguments.port,
    };
    if !address.ip.is_loopback() {
        warn(
            "browsers on other machines take this for an insecure page, without threads: put a server with TLS before it",
        );
    }
    let packed = making.store.session()?.folder("site")?;
    interrupt::leave_to_others();
    site::serve(files, packed, address, |url| {
        say(url);
        if arguments.open
            && let Err(error) = open::that_detached(url)
        {
            warn(&format!("cannot open the browser: {error}"));
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
