"""Words that company names are made of, and what the events are called."""

# ruff: noqa: SIM905 - a list of words reads better as a line of words
FIRST = (
    "Alder Amber Anchor Arbor Aspen Beacon Birch Bright Cedar Clear Cobalt Copper Coral Crescent Delta Ember Evergreen "
    "Falcon Fern Granite Harbor Heron Hollow Indigo Juniper Keystone Lantern Maple Meadow Northern Oak Orchard Pebble "
    "Pine Prairie Quarry Raven River Sable Silver Sparrow Summit Tidal Timber Umber Velvet Willow Zephyr"
).split()
SECOND = (
    "Analytics Bakery Biotech Brewing Capital Clinics Cloud Commerce Construction Dental Design Dynamics Education "
    "Energy Farms Films Foods Freight Games Health Hotels Insurance Labs Legal Logistics Marine Media Mobility Motors "
    "Networks Optics Outfitters Partners Pharma Press Realty Robotics Security Software Studios Systems Textiles "
    "Travel Ventures Works"
).split()
SUFFIX = ("", "", "Inc", "GmbH", "Ltd", "AB", "SAS", "BV")

CORE = ("item_edited", "item_created")
"""What people come for: what a company would name as its key actions."""
LOOKING = "report_viewed"
INTENT = ("cancel_page_viewed", "all_data_exported")
"""What precedes leaving."""
EVENT_NAMES = ("login", "report_viewed", "item_edited", "item_created", "comment_added", "search_run", "data_exported")
