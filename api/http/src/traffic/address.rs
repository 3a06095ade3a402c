//! How network addresses are counted.
//!
//! Owns which addresses count as one caller. It must not count anything itself.

/// Names what an address counts as: an IPv4 address itself, or the /64 network of an IPv6 address,
/// because one caller can use all addresses of that network.
#[must_use]
pub fn address_subject(address: &str) -> String {
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => format!("address:{v4}"),
            None => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                format!("address:{}/64", std::net::Ipv6Addr::from(network))
            }
        },
        _ => format!("address:{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_one_address() {
        assert_eq!(address_subject("127.0.0.1"), "address:127.0.0.1");
        assert_eq!(address_subject("::ffff:10.0.0.7"), "address:10.0.0.7");
        assert_eq!(
            address_subject("2001:db8:1:2:3:4:5:6"),
            address_subject("2001:db8:1:2:ffff::1")
        );
        assert_ne!(
            address_subject("2001:db8:1:2::1"),
            address_subject("2001:db8:1:3::1")
        );
    }
}
