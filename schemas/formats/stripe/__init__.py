"""Stripe events, of the older API versions and of those from 2025 on: https://docs.stripe.com/api/events."""
