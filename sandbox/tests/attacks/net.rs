//! Sockets, and whom they reach.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use super::support::Sandbox;
use super::{all_failed, verdict};

#[test]
fn only_families_that_a_namespace_separates_can_be_had() {
    for sandbox in Sandbox::each() {
        let attempts = sandbox.attack(&["families"]);
        let open: Vec<&str> = attempts
            .iter()
            .filter_map(|attempt| attempt.strip_suffix(": did"))
            .collect();
        // 1: unix, 2 and 10: internet, 16: netlink. None of the raw ones of the internet.
        let expected = [
            "1 stream",
            "1 datagram",
            "1 raw",
            "1 packets",
            "2 stream",
            "2 datagram",
            "10 stream",
            "10 datagram",
            "16 datagram",
            "16 raw",
        ];
        assert_eq!(open, expected.map(|name| format!("socket {name}")));
        // 17: packets as they are, 31: Bluetooth, 38: the kernel's ciphers, 40: the machine around this one.
        for family in ["17 raw", "31 raw", "38 packets", "40 stream"] {
            assert_eq!(verdict(&attempts, &format!("socket {family}")), "EPERM");
        }
    }
}

#[test]
fn nobody_is_reached() {
    let internet = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = internet.local_addr().unwrap().port();
    let name = format!("pwb-attacked-{port}");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let unix = UnixListener::bind_addr(&address).unwrap();
    internet.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    for sandbox in Sandbox::each() {
        let attempts = sandbox.attack(&["reach", &port.to_string(), &name]);
        let unreachable = ["ENETUNREACH", "EADDRNOTAVAIL", "ECONNREFUSED"];
        all_failed(&attempts[..5], &unreachable);
        all_failed(&attempts[5..], &["EPERM", "EINVAL", "ENODEV"]);
        assert_eq!(verdict(&attempts, "loopback up"), "EPERM");
    }
    assert_eq!(internet.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(unix.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    // They do answer those who reach them.
    let _here = UnixStream::connect_addr(&address).unwrap();
    assert!(unix.accept().is_ok());
}
