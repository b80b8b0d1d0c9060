"""What crosses a topic: models, codec, reasons for a rejection, exported JSON Schema. Pure: no clock, no I/O."""
