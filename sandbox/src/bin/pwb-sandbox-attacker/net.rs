//! Sockets of every family, and whom they reach.

use nix::libc;

use crate::raw::{call, numbers, text, zeros};
use crate::{Attempt, attempt};

/// One more than any family that Linux has.
const FAMILIES: usize = 64;

pub fn families() -> Vec<Attempt> {
    let mut all = Vec::new();
    for family in 0..FAMILIES {
        for (name, kind) in [("stream", 1), ("datagram", 2), ("raw", 3), ("packets", 5)] {
            all.push(attempt(&format!("socket {family} {name}"), move || {
                call(libc::SYS_socket, [family, kind, 0])
            }));
        }
    }
    all
}

/// `port` is one that somebody listens at on the host's loopback, `name` that of an abstract socket there.
pub fn reach(port: &str, name: &str) -> Vec<Attempt> {
    let port: u16 = port.parse().unwrap_or_default();
    let far = move |octets: [u8; 4]| {
        let [a, b] = port.to_be_bytes();
        let [low, high] = (libc::AF_INET as u16).to_ne_bytes();
        let [p, q, r, s] = octets;
        numbers(&[u64::from_ne_bytes([low, high, a, b, p, q, r, s]), 0])
    };
    let connect = |kind: usize, address: usize| {
        move || {
            let socket = call(libc::SYS_socket, [libc::AF_INET as usize, kind, 0])?;
            call(libc::SYS_connect, [socket as usize, address, 16])
        }
    };
    let mut abstract_name = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
    abstract_name.push(0);
    abstract_name.extend(name.as_bytes());
    let length = abstract_name.len();
    let abstract_name = abstract_name.leak().as_ptr() as usize;
    let mut own = (libc::AF_INET6 as u16).to_ne_bytes().to_vec();
    own.extend(port.to_be_bytes());
    own.extend([0; 4]);
    own.extend(std::net::Ipv6Addr::LOCALHOST.octets());
    own.extend([0; 4]);
    let own = own.leak().as_ptr() as usize;
    vec![
        attempt("the host's loopback", connect(1, far([127, 0, 0, 1]))),
        attempt("far away", connect(1, far([192, 0, 2, 1]))),
        attempt("far away, one packet", connect(2, far([192, 0, 2, 1]))),
        attempt("the host's loopback, version 6", move || {
            let socket = call(libc::SYS_socket, [libc::AF_INET6 as usize, 1, 0])?;
            call(libc::SYS_connect, [socket as usize, own, 28])
        }),
        attempt("the host's abstract socket", move || {
            let socket = call(libc::SYS_socket, [libc::AF_UNIX as usize, 1, 0])?;
            call(libc::SYS_connect, [socket as usize, abstract_name, length])
        }),
        attempt("loopback up", || {
            let socket = call(libc::SYS_socket, [libc::AF_INET as usize, 2, 0])?;
            // struct ifreq: name, then flags
            let mut request = [0; 40];
            request[..2].copy_from_slice(b"lo");
            request[16] = 1;
            let request = request.to_vec().leak().as_ptr() as usize;
            call(
                libc::SYS_ioctl,
                [socket as usize, libc::SIOCSIFFLAGS as usize, request],
            )
        }),
        attempt("a new interface by netlink", || {
            let socket = call(libc::SYS_socket, [libc::AF_NETLINK as usize, 3, 0])?;
            // nlmsghdr and ifinfomsg of RTM_NEWLINK, with an acknowledgement wanted
            let mut message = vec![0_u8; 32];
            message[0] = 32;
            message[4] = 16;
            message[6..8].copy_from_slice(&0x0605_u16.to_ne_bytes());
            call(
                libc::SYS_sendto,
                [
                    socket as usize,
                    message.leak().as_ptr() as usize,
                    32,
                    0,
                    0,
                    0,
                ],
            )?;
            let answer = zeros(256);
            call(libc::SYS_recvfrom, [socket as usize, answer, 256, 0, 0, 0])?;
            crate::raw::answered(answer)
        }),
        attempt("the firewall by netlink", || {
            let socket = call(libc::SYS_socket, [libc::AF_NETLINK as usize, 3, 12])?;
            // nlmsghdr and nfgenmsg of NFT_MSG_GETTABLE, all of them
            let mut message = vec![0_u8; 20];
            message[0] = 20;
            message[4..6].copy_from_slice(&0x0a01_u16.to_ne_bytes());
            message[6..8].copy_from_slice(&0x0305_u16.to_ne_bytes());
            call(
                libc::SYS_sendto,
                [
                    socket as usize,
                    message.leak().as_ptr() as usize,
                    20,
                    0,
                    0,
                    0,
                ],
            )?;
            let answer = zeros(256);
            call(libc::SYS_recvfrom, [socket as usize, answer, 256, 0, 0, 0])?;
            crate::raw::answered(answer)
        }),
        attempt("a packet filter", || {
            let socket = call(libc::SYS_socket, [libc::AF_INET as usize, 2, 0])?;
            // SO_ATTACH_BPF
            call(
                libc::SYS_setsockopt,
                [socket as usize, 1, 50, numbers(&[0]), 4],
            )
        }),
        attempt("the host's device", || {
            let socket = call(libc::SYS_socket, [libc::AF_INET as usize, 2, 0])?;
            call(
                libc::SYS_setsockopt,
                [socket as usize, 1, 25, text("eth0"), 5],
            )
        }),
    ]
}
