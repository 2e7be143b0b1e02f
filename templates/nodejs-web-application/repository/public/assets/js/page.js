// Shows when the page was answered, in the visitor's own words for a time.
const now = document.getElementById('now');
const time = new Date();
now.dateTime = time.toISOString();
now.textContent = time.toLocaleTimeString();
