//! The local store, offered over the network.
