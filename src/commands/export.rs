//! `pwb export`: a result as files outside the store; prints their path.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use pwb_engine::recipe::Exec;
use pwb_engine::{Error, Request};

use super::run::ENVIRONMENT;
use super::say;
use crate::cli::{As, Cli, Export};
use crate::export::{Compressed, Contents, Image, Place, Tar, add_host_files, fill, write_zip};
use crate::making::Making;
use crate::report::Failure;

/// Higher ones take ten times as long for a fortieth.
const LEVEL: i32 = 9;

pub fn run(cli: &Cli, arguments: &Export) -> Result<ExitCode, Failure> {
    let making = Making::begin(cli, &arguments.options, &arguments.building)?;
    let target = making.target(&arguments.name)?;
    let title = arguments.name.replace('/', "-");
    let place = Place::new(
        arguments
            .output
            .clone()
            .unwrap_or_else(|| default(&title, arguments.format)),
    )?;
    match arguments.format {
        As::Oci => {
            let exec = target.and_then(|target| target.run.as_ref());
            let exec = exec.ok_or_else(|| Error::NotRunnable(arguments.name.clone()))?;
            image(&making, arguments, exec, title, &place)?;
        }
        As::Site => {
            let site = target.and_then(|target| target.site.as_ref());
            let site = site.ok_or_else(|| Error::NotASite(arguments.name.clone()))?;
            let contents = contents(&making, arguments)?;
            place.folder(|folder| {
                fill(&contents, folder)?;
                add_host_files(folder, &site.index)
            })?;
        }
        As::Dir => {
            let contents = contents(&making, arguments)?;
            place.folder(|folder| fill(&contents, folder))?;
        }
        As::Zip => {
            let contents = contents(&making, arguments)?;
            place.file(|file| write_zip(&contents, &title, BufWriter::new(file)))?;
        }
        As::TarZst => {
            let contents = contents(&making, arguments)?;
            place.file(|file| {
                let mut tar = Tar::new(Compressed::new(BufWriter::new(file), LEVEL)?);
                tar.directory(&title, 0o755)?;
                tar.contents(&title, &contents)?;
                tar.finish()?.finish()?.flush()
            })?;
        }
    }
    say(place.path().display());
    Ok(ExitCode::SUCCESS)
}

fn default(title: &str, format: As) -> PathBuf {
    match format {
        As::Dir | As::Site => title.into(),
        As::TarZst => format!("{title}.tar.zst").into(),
        As::Zip => format!("{title}.zip").into(),
        As::Oci => format!("{title}.oci.tar").into(),
    }
}

fn contents(making: &Making<'_>, arguments: &Export) -> Result<Contents, Failure> {
    let [result] = making.realize([making.request(&arguments.name)?])?;
    Contents::of(&making.store, &result)
}

fn image(
    making: &Making<'_>,
    arguments: &Export,
    exec: &Exec,
    name: String,
    place: &Place,
) -> Result<(), Failure> {
    let artifact = making.request(&arguments.name)?;
    let values = artifact.values.clone();
    let root = Request {
        reference: exec.root.value.clone(),
        values: values.clone(),
    };
    let [artifact, root] = making.realize([artifact, root])?;
    let image = Image {
        name,
        root: Contents::of(&making.store, &root)?,
        artifact: Contents::of(&making.store, &artifact)?,
        mount: exec.mount.relative().to_owned(),
        entrypoint: exec.command.expand(&values),
        environment: ENVIRONMENT
            .map(|(name, value)| format!("{name}={value}"))
            .into(),
    };
    let scratch = making.store.session()?.folder("image")?;
    place.file(|file| image.write(&scratch, BufWriter::new(file)))
}
