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

    /// The place of the company that a token opens.
    #[must_use]
    pub fn place_of(&self, token: &str) -> Option<usize> {
        self.companies.iter().position(|company| company.users().contains_key(token))
    }

    /// How many events wait to be told.
    #[must_use]
    pub fn waiting_events(&self) -> usize {
        self.companies.iter().map(Company::waiting_events).sum()
    }

    /// Answers a request of anybody: the company is that of the token.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        let place = request.token.as_deref().and_then(|token| self.place_of(token));
        match place.and_then(|place| self.company(place)) {
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
