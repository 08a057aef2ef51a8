//! Who mailings are sent as: the first link of a chain that holds, and what to mend when none does.
//!
//! A sender needs a person and an e-mail address. The user whose token we have may lack both, and then SuperOffice
//! refuses to tell anything about them; so nothing here hangs on that one user.

use std::fmt;

/// A user who may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The associate's number.
    pub associate: i64,
    /// The short name.
    pub short_name: String,
    /// The linked person.
    pub person: Option<i64>,
    /// The e-mail address; empty when there is none.
    pub email: String,
}

impl Candidate {
    fn lacks(&self) -> Option<Lack> {
        match (self.person, self.email.trim()) {
            (None, _) => Some(Lack::Person),
            (Some(_), "") => Some(Lack::Email),
            (Some(_), _) => None,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.short_name.eq_ignore_ascii_case(name) || name.parse() == Ok(self.associate)
    }
}

/// What a user lacks to be a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// There is no such user.
    User,
    /// The user is linked to no person.
    Person,
    /// The person has no e-mail address.
    Email,
}

/// Which link of the chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The configured user.
    Configured,
    /// The user whose token we have, as the token's own answer tells.
    Principal,
    /// The same user, as the list of users tells.
    List,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured => "as configured",
            Self::Principal => "the user we are signed in as",
            Self::List => "the user we are signed in as, by the list of users",
        })
    }
}

/// The sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The user.
    pub candidate: Candidate,
    /// How it was found.
    pub link: Link,
}

/// Why there is none: what each link of the chain lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSender(pub Vec<(Link, Lack)>);

impl fmt::Display for NoSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = |(link, lack): &(Link, Lack)| {
            let lack = match lack {
                Lack::User => "no such user",
                Lack::Person => "no person is linked",
                Lack::Email => "the person has no e-mail address",
            };
            format!("{link}: {lack}")
        };
        f.write_str(&self.0.iter().map(link).collect::<Vec<_>>().join("; "))
    }
}

/// Chooses the sender: the configured user, else the one whose token we have, else the same by the list of users.
///
/// # Errors
///
/// What each of them lacks.
pub fn choose(
    configured: Option<&str>,
    principal: Option<&Candidate>,
    users: &[Candidate],
) -> Result<Sender, NoSender> {
    let by_list = principal.and_then(|own| users.iter().find(|user| user.associate == own.associate));
    let mut chain = Vec::new();
    if let Some(name) = configured {
        let everybody = users.iter().chain(principal);
        chain.push((Link::Configured, everybody.into_iter().find(|user| user.is(name))));
    }
    chain.push((Link::Principal, principal));
    chain.push((Link::List, by_list));
    let mut lacking = Vec::new();
    for (link, candidate) in chain {
        match candidate.map(|candidate| (candidate, candidate.lacks())) {
            Some((candidate, None)) => return Ok(Sender { candidate: candidate.clone(), link }),
            Some((_, Some(lack))) => lacking.push((link, lack)),
            None => lacking.push((link, Lack::User)),
        }
    }
    Err(NoSender(lacking))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(associate: i64, short_name: &str, person: Option<i64>, email: &str) -> Candidate {
        Candidate { associate, short_name: short_name.into(), person, email: email.into() }
    }

    #[test]
    fn the_first_link_that_holds_is_taken() {
        let own = user(5, "API", Some(50), "api@crm.example");
        let kari = user(7, "KARI", Some(70), "kari@crm.example");
        let users = [own.clone(), kari];
        let chosen = |configured, principal: Option<&Candidate>| {
            choose(configured, principal, &users).map(|sender| (sender.candidate.associate, sender.link))
        };
        assert_eq!(chosen(Some("kari"), Some(&own)), Ok((7, Link::Configured)));
        assert_eq!(chosen(Some("7"), Some(&own)), Ok((7, Link::Configured)));
        assert_eq!(chosen(Some("NOBODY"), Some(&own)), Ok((5, Link::Principal)));
        assert_eq!(chosen(None, Some(&user(5, "API", None, ""))), Ok((5, Link::List)));
    }

    #[test]
    fn without_a_link_that_holds_each_says_what_it_lacks() {
        let own = user(5, "API", None, "");
        let users = [user(5, "API", Some(50), " ")];
        let NoSender(lacking) = choose(Some("KARI"), Some(&own), &users).unwrap_err();
        let expected =
            [(Link::Configured, Lack::User), (Link::Principal, Lack::Person), (Link::List, Lack::Email)];
        assert_eq!(lacking, expected);
        assert_eq!(choose(None, None, &users).unwrap_err().0.len(), 2);
    }
}
