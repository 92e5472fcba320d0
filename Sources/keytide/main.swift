import GRDB
import NIOHTTP1
print("keytide")
