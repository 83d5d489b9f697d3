//! HTTP around the company: OAuth, throttles, faults, webhooks, the control side and the web page.
