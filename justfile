# What one does here. `just` lists it; each is a command that can as well be typed.

_default:
    @just --list --unsorted

# Build and run pwb: just pwb list
pwb *ARGS:
    cargo run --quiet --release -- {{ ARGS }}

# Form, lints, types.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The tests: just test --test gc
test *ARGS:
    cargo test --workspace {{ ARGS }}

# The tests that wait long, or want more programs than a compiler.
test-more:
    .ci/peers
    cargo test --test remote_faults -- --ignored
    cargo test --test export --test new --test peers --test remote_execute --test serve --test setup --test supply -- --ignored

# Kills, losses of power, full disks and the like; an hour, as root.
faults *NAMES:
    .ci/faults {{ NAMES }}

# All that has to hold before a change lands.
ci:
    .ci/run

# Every check of every target, or of some; hours the first time.
targets *NAMES:
    .ci/targets {{ NAMES }}

# peers, actions, edit, instructions, remote or share.
bench NAME="actions":
    cargo bench --bench {{ NAME }}

# Fuzzes what reads others' bytes, each target for so many minutes: just fuzz 30 recipe
fuzz *ARGS:
    .ci/fuzz {{ ARGS }}

# Licences and versions of what is depended on; wants cargo-deny.
deny:
    cargo deny check

# pwb into ~/.cargo/bin.
install:
    cargo install --locked --path .

# One static program for any Linux; wants the musl target and musl-gcc.
static:
    cargo build --locked --release --target x86_64-unknown-linux-musl

# The manual's pages into a folder.
man DIR="target/man":
    cargo run --quiet --release -- man {{ DIR }}
