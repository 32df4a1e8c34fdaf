"""The shop's own servers: orders come in, mails and invoices go out.

None of them knows anything about scaling. The consumers (receipts.py, invoices.py) stand one folder up.
"""
