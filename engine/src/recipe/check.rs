//! Checks that need all recipes at once: every name that is used is there, and is used as what it is.

use std::collections::BTreeSet;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::item::Condition;
use super::library::Recipe;
use super::name::{NodeName, OptionName, Reference};
use super::node::NodeKind;
use super::option::{OptionKind, OptionSpec};
use super::read::Draft;
use super::sink::Sink;
use super::source::{Span, Spanned};
use super::suggest;

/// Adds the errors of all names that are used.
pub(super) fn check(draft: &Draft, sink: &mut Sink) {
    let uses = std::mem::take(&mut sink.uses);
    for (recipe, reference) in &uses.references {
        known_result(draft, reference, recipe, sink);
    }
    for (recipe, name) in &uses.checks {
        known_check(draft, name, recipe, sink);
    }
    for condition in &uses.conditions {
        can_be_asked(draft, condition, sink);
    }
    for option in &uses.repeats {
        can_be_repeated(draft, option, sink);
    }
    sink.uses = uses;
}

/// Warnings for options that nothing depends on.
pub(super) fn unused_options(draft: &Draft, sink: &Sink) -> Vec<Diagnostic> {
    let conditions = sink
        .uses
        .conditions
        .iter()
        .map(|condition| &condition.option.value);
    let used: BTreeSet<_> = conditions
        .chain(sink.uses.repeats.iter().map(|option| &option.value))
        .collect();
    let unused = draft
        .options
        .values()
        .filter(|option| !used.contains(&option.name));
    let warning = |option: &OptionSpec| {
        let message = format!("option `{}` is never used", option.name.name());
        Diagnostic::warning(Code::Unused, message)
            .at(sink.location(option.span), "nothing depends on it")
    };
    unused.map(warning).collect()
}

/// The error that an option is not there; nothing where its recipe, or it, could not be read.
pub(super) fn unknown_option(draft: &Draft, option: &Spanned<OptionName>, sink: &mut Sink) {
    let excused =
        draft.bad_options.contains(&option.value) || draft.unread.contains(option.recipe());
    if excused || unknown_recipe(draft, option.recipe(), sink, option.span) {
        return;
    }
    let error = sink.finding(
        Code::UnknownOption,
        option.span,
        format!("unknown option `{}`", option.name()),
        "no option of this name",
    );
    let here = draft
        .options
        .keys()
        .filter(|known| known.recipe() == option.recipe())
        .map(OptionName::name);
    sink.add(error.help(suggest::help(option.name(), here)));
}

/// The error that an option cannot have a value.
pub(super) fn bad_value(spec: &OptionSpec, text: &str) -> Diagnostic {
    let message = format!(
        "`{text}` is not a value of the {} `{}`",
        spec.kind.noun(),
        spec.name.name()
    );
    Diagnostic::error(Code::BadValue, message).help(format!(
        "it may be {}",
        suggest::list(&spec.kind.allowed(), "or")
    ))
}

/// The node of a reference is there, and so is the part of its result as far as can be known now.
fn known_result(draft: &Draft, reference: &Spanned<Reference>, recipe: &str, sink: &mut Sink) {
    let Some(node) = draft.nodes.get(&reference.node) else {
        return unknown_node(draft, &reference.node, reference.span, recipe, sink);
    };
    if matches!(node.kind, NodeKind::Check(_)) {
        let message = format!("`{}` is a check: it has no files", node.name.name());
        let error = sink.finding(
            Code::WrongUse,
            reference.span,
            message,
            "a node with files is wanted here",
        );
        let error = error.related(sink.location(node.span), "the check");
        sink.add(error.help("a target names its checks in `checks: […]`".to_owned()));
    }
    if let (NodeKind::Run(run), Some(path)) = (&node.kind, &reference.path)
        && !run.outputs.is_empty()
        && !run
            .outputs
            .iter()
            .any(|output| path.starts_with(output) || output.starts_with(path))
    {
        let message = format!("node `{}` has no output `{path}`", node.name.name());
        let outputs: Vec<_> = run.outputs.iter().map(|output| output.as_str()).collect();
        let help = format!("its outputs: {}", suggest::list(&outputs, "and"));
        let error = sink.finding(
            Code::UnknownOutput,
            reference.span,
            message,
            "not an output, nor in one",
        );
        let error = error.related(sink.location(node.span), "the node");
        sink.add(error.help(help));
    }
}

/// What a target names as a check is one.
fn known_check(draft: &Draft, name: &Spanned<NodeName>, recipe: &str, sink: &mut Sink) {
    let Some(node) = draft.nodes.get(&name.value) else {
        return unknown_node(draft, name, name.span, recipe, sink);
    };
    if !matches!(node.kind, NodeKind::Check(_)) {
        let message = format!("`{}` is not a check", node.name.name());
        let error = sink.finding(Code::WrongUse, name.span, message, "`Check(…)` is wanted");
        sink.add(error.related(sink.location(node.span), "the node"));
    }
}

fn unknown_node(draft: &Draft, node: &NodeName, span: Span, recipe: &str, sink: &mut Sink) {
    let excused = draft.bad_nodes.contains(node) || draft.unread.contains(node.recipe());
    if excused || unknown_recipe(draft, node.recipe(), sink, span) {
        return;
    }
    let written = node.written_in(recipe);
    let here = draft
        .nodes
        .keys()
        .filter(|known| known.recipe() == node.recipe());
    let here = here.map(|known| known.written_in(recipe));
    let elsewhere = draft.nodes.keys().find(|known| known.name() == node.name());
    let help = match elsewhere {
        Some(other) if suggest::nearest(written, here.clone()).is_none() => {
            Some(format!("did you mean `{other}`?"))
        }
        _ => suggest::help(written, here),
    };
    let error = sink.finding(
        Code::UnknownNode,
        span,
        format!("unknown node `{written}`"),
        "no node of this name",
    );
    sink.add(error.help(help));
}

/// Adds the error that there is no such recipe, if so.
fn unknown_recipe(draft: &Draft, recipe: &str, sink: &mut Sink, span: Span) -> bool {
    if draft.recipes.contains_key(recipe) {
        return false;
    }
    let known = draft
        .recipes
        .values()
        .map(|Recipe { name, .. }| name.as_str());
    let error = sink.finding(
        Code::UnknownRecipe,
        span,
        format!("unknown recipe `{recipe}`"),
        format!("there is no `{recipe}.ron`"),
    );
    sink.add(error.help(suggest::help(recipe, known)));
    true
}

fn can_be_asked(draft: &Draft, Condition { option, equals, .. }: &Condition, sink: &mut Sink) {
    let Some(spec) = draft.options.get(&option.value) else {
        return unknown_option(draft, option, sink);
    };
    let name = option.name();
    let help = match (&spec.kind, equals) {
        (OptionKind::Flag { .. }, None) => return,
        (OptionKind::Choice { values, .. }, Some(value)) if values.contains(value) => return,
        (OptionKind::Choice { .. }, Some(value)) => {
            let location = sink.location(option.span);
            return sink.add(bad_value(spec, value).at(location, "not a value of it"));
        }
        (OptionKind::Flag { .. }, Some(_)) => {
            format!("write `When(\"{name}\", …)` or `Unless(\"{name}\", …)`")
        }
        (OptionKind::Choice { default, .. }, None) => {
            format!("compare it: `When(\"{name}={default}\", …)`")
        }
        (OptionKind::List { .. }, _) => {
            format!("`Each(\"{name}\")` stands for the texts of a list")
        }
    };
    wrong_kind(spec, option, "a condition like this", help, sink);
}

fn can_be_repeated(draft: &Draft, option: &Spanned<OptionName>, sink: &mut Sink) {
    let Some(spec) = draft.options.get(&option.value) else {
        return unknown_option(draft, option, sink);
    };
    let name = option.name();
    let help = match &spec.kind {
        OptionKind::List { .. } => return,
        OptionKind::Flag { .. } => format!("write `When(\"{name}\", …)`"),
        OptionKind::Choice { default, .. } => format!("write `When(\"{name}={default}\", …)`"),
    };
    wrong_kind(spec, option, "`Each`", help, sink);
}

fn wrong_kind(
    spec: &OptionSpec,
    option: &Spanned<OptionName>,
    what: &str,
    help: String,
    sink: &mut Sink,
) {
    let message = format!(
        "{what} cannot be of the {} `{}`",
        spec.kind.noun(),
        option.name()
    );
    let error = sink.finding(
        Code::WrongUse,
        option.span,
        message,
        format!("this is a {}", spec.kind.noun()),
    );
    let error = error.related(sink.location(spec.span), "declared here");
    sink.add(error.help(help));
}
