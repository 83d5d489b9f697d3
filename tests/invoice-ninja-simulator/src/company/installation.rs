//! Several companies of one installation; the token says which one is meant.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Answer, Company, Delivery, Request, Seed};

/// The companies that share an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Installation {
    companies: Vec<Company>,
}

impl Installation {
    /// Companies with their administrators' tokens.
    #[must_use]
    pub fn new(companies: &[(Seed, String)], now: Timestamp) -> Self {
        let mut installation = Self { companies: Vec::new() };
        for (seed, token) in companies {
            installation.add(*seed, token, now);
        }
        installation
    }

    /// Adds a company and returns its place.
    pub fn add(&mut self, seed: Seed, token: &str, now: Timestamp) -> usize {
        let number = self.companies.len() as u64 + 1;
        self.companies.push(Company::new(seed, number, token, now));
        self.companies.len() - 1
    }

    /// All companies, in the order in which they were added.
    #[must_use]
    pub fn companies(&self) -> &[Company] {
        &self.companies
    }

    /// One company by its place.
    pub fn company(&mut self, place: usize) -> Option<&mut Company> {
        self.companies.get_mut(place)
    }

    /// Answers a request of anybody: the company is that of the token.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        let knows = |company: &&mut Company| {
            request.token.as_ref().is_some_and(|token| company.users().contains_key(token))
        };
        match self.companies.iter_mut().find(knows) {
            Some(company) => company.answer(request, now),
            // Anybody else is refused, in the same words whoever refuses.
            None => {
                Company::new(Seed::Empty, 0, "", now).answer(&Request { token: None, ..request.clone() }, now)
            }
        }
    }

    /// When the next webhook is due. None if none waits.
    #[must_use]
    pub fn next_webhook(&self) -> Option<Timestamp> {
        self.companies.iter().filter_map(Company::next_webhook).min()
    }

    /// Takes the webhooks that are due, each with its company's place.
    pub fn take_webhooks(&mut self, now: Timestamp) -> Vec<(usize, Delivery)> {
        let companies = self.companies.iter_mut().enumerate();
        companies
            .flat_map(|(place, it)| it.take_webhooks(now).into_iter().map(move |due| (place, due)))
            .collect()
    }
}
