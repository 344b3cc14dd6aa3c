"""A widget on the big screen: scenes that bring back an exact state, and a page for a lecture that shows them.

``scenes`` reads and finds scene files, ``widgets`` knows what each may set, ``playing`` brings a widget to a scene and
a widget's state back to one, ``stage`` is the page, ``serving`` is Voilà behind a token.
"""
