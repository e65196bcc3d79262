//! The guard of calls that are made for a user: public addresses only.

use std::collections::BTreeSet;
use std::net::IpAddr;

use url::Host;

use super::address::is_public;
use super::target::Target;
use crate::Error;

/// Decides which addresses a guarded call may reach.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// Addresses that are let through though they are not public.
    pub(super) allowed: BTreeSet<IpAddr>,
}

impl Guard {
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.contains(&address)
    }

    /// Refuses a URL whose host is an address that may not be reached. A name is looked at when it has been resolved, by the
    /// backend: see [`Exchange::guarded`](super::Exchange::guarded).
    pub(super) fn check(&self, target: &Target) -> Result<(), Error> {
        let address = match target.host() {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return Ok(()),
        };
        if self.admits(address) {
            Ok(())
        } else {
            Err(refused(&address.to_string()))
        }
    }
}

/// The refusal. It tells no address that a name stands for: whoever gave the URL would learn what the inside looks like.
pub(super) fn refused(host: &str) -> Error {
    Error::refused(format!("{host} is not on the public internet"))
}
