"""Local stand-ins for services, served over HTTP and checked against recorded traffic; they stand alone."""
