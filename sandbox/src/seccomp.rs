//! The system calls that the command may not make: those that change mounts, namespaces or the kernel, or set set-uid bits.
//!
//! A list of refusals, not of permissions: the namespaces are the wall, this takes away the tools to scale it. What a
//! program can do without gets an error that it knows how to handle, never a kill.

use std::collections::BTreeMap;

use nix::errno::Errno;
use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
};

use crate::report::{Failure, Step};

/// Refused whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // mounts and roots
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // namespaces
    libc::SYS_setns,
    // the kernel and the machine
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_vhangup,
    // a machine with such memory does not hibernate
    libc::SYS_memfd_secret,
    // keyrings belong to users, not namespaces
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// Their arguments lie behind a pointer, where no filter can look; C libraries fall back to an older call.
const UNKNOWN: [libc::c_long; 2] = [libc::SYS_clone3, libc::SYS_openat2];
/// From here on calls are younger than these lists (Linux 6.13: `setxattrat`); they name paths and change mounts. Above are also
/// those of x32, the second set of x86-64, which would slip past every rule.
const YOUNGEST: u32 = 463;

const CLONE_NEWTIME: u64 = 0x80;
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The families that a network namespace separates; others (vsock, say) reach the host.
const FAMILIES: [i32; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// `S_ISUID` and `S_ISGID`.
const SET_ID_BITS: [u64; 2] = [0o4000, 0o2000];
/// `O_CREAT`, and the bit of `O_TMPFILE` that `O_DIRECTORY` lacks: without either, `open` does not look at its mode.
const CREATING: [u64; 2] = [0o100, 0o20_000_000];

/// Puts the filter on this process and all its descendants, for good.
pub(crate) fn install() -> Result<(), Failure> {
    let failed = |errno: i32| Failure {
        step: Step::Seccomp,
        path: None,
        errno,
    };
    let program = program().map_err(|_| failed(Errno::EINVAL as i32))?;
    apply_filter(&program).map_err(|error| match error {
        seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
            failed(error.raw_os_error().unwrap_or(0))
        }
        _ => failed(Errno::EINVAL as i32),
    })
}

/// The filter, eight bytes an instruction as the kernel takes them; `None` for a kind of machine that it cannot be written for.
pub(crate) fn instructions() -> Option<Vec<u8>> {
    let bytes = |one: &sock_filter| {
        let [code, k] = [
            one.code.to_ne_bytes().to_vec(),
            one.k.to_ne_bytes().to_vec(),
        ];
        [code, vec![one.jt, one.jf], k].concat()
    };
    Some(program().ok()?.iter().flat_map(bytes).collect())
}

fn program() -> Result<BpfProgram, BackendError> {
    let target = TargetArch::try_from(std::env::consts::ARCH)?;
    let refuse = SeccompAction::Errno(Errno::EPERM as u32);
    let filter = SeccompFilter::new(rules()?, SeccompAction::Allow, refuse, target)?;
    let mut program = unknown_calls();
    program.extend(BpfProgram::try_from(filter)?);
    Ok(program)
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, vec![])).collect();
    let namespaces = NAMESPACES.map(|flag| u64::from(flag.cast_unsigned()));
    rules.insert(libc::SYS_clone, any_bit(0, &namespaces)?);
    rules.insert(
        libc::SYS_unshare,
        any_bit(0, &[&namespaces[..], &[CLONE_NEWTIME]].concat())?,
    );
    for (call, mode) in [
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (libc::SYS_fchmodat2, 2),
        (libc::SYS_mknodat, 2),
    ] {
        rules.insert(call, any_bit(mode, &SET_ID_BITS)?);
    }
    rules.insert(libc::SYS_openat, creating(3)?);
    #[cfg(target_arch = "x86_64")]
    {
        for call in [libc::SYS_iopl, libc::SYS_ioperm] {
            rules.insert(call, vec![]);
        }
        for call in [libc::SYS_chmod, libc::SYS_creat, libc::SYS_mknod] {
            rules.insert(call, any_bit(1, &SET_ID_BITS)?);
        }
        rules.insert(libc::SYS_open, creating(2)?);
    }
    // Typing into the caller's terminal.
    #[allow(
        clippy::unnecessary_cast,
        reason = "C libraries do not agree on the type of a request"
    )]
    let ioctls = [libc::TIOCSTI as u64, libc::TIOCLINUX as u64];
    let typing = ioctls.map(|request| rule([when(1, SeccompCmpOp::Eq, request)?]));
    rules.insert(
        libc::SYS_ioctl,
        typing.into_iter().collect::<Result<_, _>>()?,
    );
    // A lease on a file of the store keeps others waiting who open it.
    let lease = when(1, SeccompCmpOp::Eq, libc::F_SETLEASE.unsigned_abs().into())?;
    rules.insert(libc::SYS_fcntl, vec![rule([lease])?]);
    let [unix, inet, inet6, netlink] =
        FAMILIES.map(|family| when(0, SeccompCmpOp::Ne, u64::from(family.cast_unsigned())));
    let other_family = [unix?, inet?, inet6?, netlink?];
    rules.insert(libc::SYS_socket, vec![rule(other_family.clone())?]);
    rules.insert(libc::SYS_socketpair, vec![rule(other_family)?]);
    Ok(rules)
}

/// One rule a bit: the call is refused when any of them is set.
fn any_bit(argument: u8, bits: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    bits.iter()
        .map(|bit| rule([when(argument, SeccompCmpOp::MaskedEq(*bit), *bit)?]))
        .collect()
}

/// `open` that makes a file with a set-id bit; the flags are the argument before the mode.
fn creating(mode: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let pairs = CREATING
        .iter()
        .flat_map(|flag| SET_ID_BITS.map(|bit| (*flag, bit)));
    let both = |(flag, bit)| {
        rule([
            when(mode - 1, SeccompCmpOp::MaskedEq(flag), flag)?,
            when(mode, SeccompCmpOp::MaskedEq(bit), bit)?,
        ])
    };
    pairs.map(both).collect()
}

fn when(argument: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

/// Instructions in front of the filter proper that answer ENOSYS, as a kernel without the call does: the [`UNKNOWN`] ones, and
/// from the [`YOUNGEST`] on.
fn unknown_calls() -> BpfProgram {
    const LOAD_NUMBER: sock_filter = instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0);
    const fn instruction(code: u32, skip_if_false: u8, k: u32) -> sock_filter {
        sock_filter {
            code: code as u16,
            jt: 0,
            jf: skip_if_false,
            k,
        }
    }
    let no_such_call = instruction(
        libc::BPF_RET | libc::BPF_K,
        0,
        libc::SECCOMP_RET_ERRNO | Errno::ENOSYS as u32,
    );
    let equals = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let mut program = vec![LOAD_NUMBER];
    for call in UNKNOWN {
        program.extend([instruction(equals, 1, call as u32), no_such_call.clone()]);
    }
    let at_least = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    program.extend([instruction(at_least, 1, YOUNGEST), no_such_call]);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_compiles_and_fits_the_kernel() {
        let length = program().unwrap().len();
        assert!(
            length > REFUSED.len() && length < 4096,
            "{length} instructions"
        );
    }
}
