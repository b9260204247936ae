//! Reads a target, its settings against the options declared anywhere.

use super::super::check;
use super::super::code::Code;
use super::super::name::{NAME_RULE, OptionName, is_name};
use super::super::option::{OptionKind, Value};
use super::super::reader::{Raw, Reader};
use super::super::source::Spanned;
use super::super::syntax::{ExecSyntax, SiteSyntax, TargetSyntax};
use super::super::target::{Exec, Site, Target};
use super::recipe::Draft;

impl<'a> Reader<'a, '_> {
    pub(super) fn target(
        &mut self,
        name: &Spanned<String>,
        raw: Raw<'a>,
        draft: &Draft,
    ) -> Option<Target> {
        let shape: TargetSyntax<'a> = self.read(raw)?;
        let node = self.reference(shape.node);
        let about = self.text_or_empty(shape.about);
        let mut set = Vec::new();
        for (key, value) in self.entries(shape.set, "setting of option") {
            let Some(option) = self.option_name(&key, key.span) else {
                continue;
            };
            set.extend(
                self.setting(&option, value, draft)
                    .map(|value| (option, value)),
            );
        }
        let run = match shape.run {
            Some(run) => Some(self.exec(run)?),
            None => None,
        };
        let checks = self.list(shape.checks);
        let checks: Vec<_> = checks
            .into_iter()
            .filter_map(|check| self.check_name(check))
            .collect();
        let site = match shape.site {
            Some(site) => Some(self.site(site)?),
            None => None,
        };
        let recipe = self.recipe.to_owned();
        Some(Target {
            name: name.value.clone(),
            span: name.span,
            recipe,
            node: node?,
            about,
            set,
            run,
            checks,
            site,
        })
    }

    fn setting(
        &mut self,
        option: &Spanned<OptionName>,
        raw: Raw<'a>,
        draft: &Draft,
    ) -> Option<Value> {
        let Some(spec) = draft.options.get(&option.value) else {
            check::unknown_option(draft, option, self.sink);
            return None;
        };
        if let OptionKind::List { .. } = spec.kind
            && raw.is_list()
        {
            return Some(Value::List(
                self.texts(Some(raw))
                    .into_iter()
                    .map(|text| text.value)
                    .collect(),
            ));
        }
        let text = self.text(raw)?;
        let value = spec.kind.read(&text);
        if value.is_none() {
            let error = check::bad_value(spec, &text);
            let location = self.sink.location(text.span);
            self.sink.add(error.at(location, "not a value of it"));
        }
        value
    }

    fn exec(&mut self, raw: Raw<'a>) -> Option<Exec> {
        let shape: ExecSyntax<'a> = self.read(raw)?;
        let root = self.reference(shape.root);
        let mount = self
            .sandbox_path(shape.mount)
            .and_then(|mount| self.place(mount, "the mount point"));
        let command = self.command(shape.command);
        Some(Exec {
            root: root?,
            mount: mount?.value,
            command: command?,
        })
    }

    fn site(&mut self, raw: Raw<'a>) -> Option<Site> {
        let shape: SiteSyntax<'a> = self.read(raw)?;
        let index = self.text(shape.index)?;
        if !is_name(&index) {
            let message = format!("`{index}` cannot be the index of a site");
            let error = self.sink.finding(
                Code::BadName,
                index.span,
                message,
                "a file at the top of the result is wanted",
            );
            self.sink.add(error.help(NAME_RULE.to_owned()));
            return None;
        }
        Some(Site { index: index.value })
    }
}
